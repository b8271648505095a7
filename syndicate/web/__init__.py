"""What is served over HTTP. FastAPI and Starlette are known here and nowhere else."""
